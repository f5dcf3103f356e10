"""Mail that comes in: accounts, what a server says, what a mail holds, and the mails that were received.

``accounts`` keeps who the person is at which server, ``imap`` talks to one, ``mime`` takes a mail apart, ``received`` keeps
what came until it has been dealt with. None of them knows coworkers. Servers and mails are taken to be hostile.
"""
