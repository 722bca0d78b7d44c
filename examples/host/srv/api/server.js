const express = require('express');

const app = express();
const port = process.env.PORT || 3000;

app.get('/api/health', (request, response) => response.send('ok'));

app.listen(port, '127.0.0.1', () => {
  console.log(`api on ${port}`);
});
