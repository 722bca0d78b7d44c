const http = require('http');
const https = require('https');

let server;
const options = {};
if (options.key) {
  server = https.createServer(options);
} else {
  server = http.createServer();
}
server.keepAliveTimeout = 5000;
server.listen(3000, 200);
