#!/bin/sh
exec ./loop.sh again
