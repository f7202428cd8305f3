"""The registry: releases, their stages and what happened to them."""
