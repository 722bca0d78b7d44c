const net = require('net');

const folder = '/run';
net.createServer().listen(`${folder}/app.sock`, 77);
net.createServer().listen({ host: `127.0.0.${1 + 1}`, port: 3000 });
