listen 8100, backlog: 100
after_fork do |server, worker|
  # listen 8101
end
before_fork do |server, worker|
end
