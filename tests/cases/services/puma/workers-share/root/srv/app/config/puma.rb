workers 2
preload_app!
bind 'tcp://127.0.0.1:3017?backlog=17'
on_worker_boot do
  port = 5
end
