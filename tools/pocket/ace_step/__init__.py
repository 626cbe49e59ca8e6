"""Makes the pocket ACE-Step: a checkpoint of a few megabytes in the layout of the published one."""
