import os

port = os.environ.get("WEB_PORT", "8088")
bind = "0.0.0.0:" + port
backlog = int(os.getenv("WEB_BACKLOG", 64))
