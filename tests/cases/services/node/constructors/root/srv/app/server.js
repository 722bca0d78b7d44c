const http = require('http');
const https = require('https');
const net = require('net');
const tls = require('tls');

new http.Server().listen(3000, 100);
http.Server().listen(3001, 101);
new https.Server({}).listen(3002, 102);
new net.Server().listen(3003, 103);
new tls.Server().listen(3004, 104);
