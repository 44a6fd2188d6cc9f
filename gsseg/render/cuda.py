def blend_weights(*a):
    raise NotImplementedError
