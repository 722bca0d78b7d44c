const net = require('net');

net.createServer().listen('/run/app.sock');
