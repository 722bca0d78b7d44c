#!/bin/sh
exec ./run2.sh
