const http = require('http');
http.createServer().listen({ port: 8080, host: '127.0.0.1', backlog: Number(process.env.BACKLOG) || 128 });
