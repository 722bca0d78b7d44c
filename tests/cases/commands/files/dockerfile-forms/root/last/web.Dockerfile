FROM a:1@sha256:aaaa
CMD ["one"]
CMD ["two"]
ONBUILD CMD ["three"]
