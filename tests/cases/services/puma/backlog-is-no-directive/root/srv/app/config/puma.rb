backlog 5
port 3019
