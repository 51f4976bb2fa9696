"""Channel attention: squeezes, excitations, gates and the blocks made of them."""
