"""Channel attention in any network: where it may sit, what it costs there, and how to put it in and out again.

`attach.attach` puts it in, `detach.detach` takes it out, `table.sites` lists the places with their cost, `state` keeps
the host's checkpoints apart. `matching`, `passing`, `observing`, `layouts` and `residual` find out what a host does.
It may import torch, `ablations.streams`, and of the attention subject `settings`, `blocks` and `counting`.
No network of ours and nothing of the engine: the host is the user's.
"""
