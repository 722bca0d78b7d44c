listen 8086, backlog: -1
