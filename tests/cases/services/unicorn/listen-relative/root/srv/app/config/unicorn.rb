listen 'tmp/unicorn.sock'
