const { createServer } = require('http');
const { createServer: tcp, Server } = require('net');

createServer().listen(3000, 200);
tcp().listen(3001, 201);
new Server().listen(3002, 202);
