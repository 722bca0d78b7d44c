const http = require('http');
const net = require('net');
const dgram = require('dgram');

const udp = dgram.createSocket('udp4');
udp.bind(9000, () => udp.close());
const server = http.createServer().listen(3000, 200, () => {
  const socket = net.connect(3000, () => socket.destroy());
  http.get({ port: 3000, host: '127.0.0.1', backlog: 900 }).on('error', () => {}).destroy();
});
server.on('connection', () => server.unref());
setInterval(() => {}, 1000);
