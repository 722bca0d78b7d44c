const http = require('http');

http.createServer().listen({ port: undefined, host: '127.0.0.1', backlog: 300 });
