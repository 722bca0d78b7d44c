const { createServer } = require('http');

exports = module.exports = createServer();
