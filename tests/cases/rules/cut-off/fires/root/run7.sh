#!/bin/sh
exec ./run8.sh
