const http = require('http');

http.createServer().listen(3000, 0);
http.createServer().listen(3001, '127.0.0.1', 0);
http.createServer().listen({ port: 3002, backlog: 0 });
