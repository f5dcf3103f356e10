"""What the disk can do to klapp: any system call that fails, does half of its work, or is the last one of the process."""
