const http = require('http');

function createAdmin() {
  return http.createServer();
}

module.exports = { createAdmin };
