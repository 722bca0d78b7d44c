import os

HOST = "127.0.0.1"
PORT = 8081
bind = f"{HOST}:{PORT}"
backlog = int(os.environ.get("X") or "99")
