worker_processes 1
listen 8081
listen '8082', backlog: 82
