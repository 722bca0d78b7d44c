listen 'localhost:8090'
listen '127.0.0.1'
