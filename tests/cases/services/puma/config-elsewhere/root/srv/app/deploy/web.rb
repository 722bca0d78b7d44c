bind 'tcp://127.0.0.1:3011?backlog=33'
