const http = require('http');
const https = require('https');

const config = { secure: false };

if (config.secure) {
  https.createServer().listen(3443, 200);
} else {
  http.createServer().listen(3000, 201);
}
