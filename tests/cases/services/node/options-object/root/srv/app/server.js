const http = require('http');

http.createServer().listen({ port: 3000, host: '127.0.0.1', backlog: 303, exclusive: true });
