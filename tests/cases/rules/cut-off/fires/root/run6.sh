#!/bin/sh
exec ./run7.sh
