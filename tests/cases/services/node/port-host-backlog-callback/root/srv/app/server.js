const net = require('net');

net.createServer().listen(3000, '127.0.0.1', 302, () => console.log('ready'));
