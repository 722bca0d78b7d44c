const http2 = require('node:http2');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');

https.createServer().listen(3000, 100);
http2.createServer().listen(3001, 101);
http2.createSecureServer().listen(3002, 102);
tls.createServer().listen(3003, 103);
net.createServer().listen(3004, 104);
