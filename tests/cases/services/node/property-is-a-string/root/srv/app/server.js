const http = require('http');

http.createServer().listen({ port: '3000', backlog: '302' });
http.createServer().listen({ port: '0xbb9', backlog: '0x80' });
http.createServer().listen({ port: 3002, backlog: 'many' });
