const express = require('express');

const app = express();
app.set('port', process.env.PORT || 3000);
app.set('backlog', 200);
app.get('/', (req, res) => res.send('ok'));

module.exports = app;
