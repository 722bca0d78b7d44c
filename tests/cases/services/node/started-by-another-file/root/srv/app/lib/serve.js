const net = require('net');
const config = require('../config');
module.exports = (server) => {
  net.createServer().listen(config.port, '127.0.0.1', config.backlog);
};
