reuse_port = True
workers = 2
backlog = 300
