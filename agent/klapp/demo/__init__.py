"""The first minute: a shipped coworker files made-up papers in a scratch folder, and shows what it did."""
