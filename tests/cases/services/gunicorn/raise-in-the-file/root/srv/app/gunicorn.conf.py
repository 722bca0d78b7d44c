import os

bind = "127.0.0.1:8001"
backlog = int(os.environ.get("BACKLOG", "5"))
