"""None: the peers' own tables are made by `django_peer.lay`. That the folder is there keeps `migrate` from them."""
