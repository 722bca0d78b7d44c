const express = require('express');

module.exports = function build() {
  const app = express();
  app.use((req, res) => res.send('ok'));
  return app;
};
