const http = require('http');

http.createServer().listen({ port: 3000, host: '127.0.0.1' }, 313);
http.createServer().listen({ port: 3001, backlog: undefined }, 314);
http.createServer().listen({ port: 3002, backlog: null }, undefined, 315);
http.createServer().listen({ port: 3003, backlog: NaN });
