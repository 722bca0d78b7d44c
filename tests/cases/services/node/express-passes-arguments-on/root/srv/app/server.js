const express = require('express');

express().listen(3000, 300);
express().listen(3001, '127.0.0.1', 301, () => {});
express().listen({ port: 3002, backlog: 302 });
