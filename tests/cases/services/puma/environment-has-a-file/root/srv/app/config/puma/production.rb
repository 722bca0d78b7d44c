bind 'tcp://127.0.0.1:3004?backlog=44'
