"""What is a study about? The protocol of a subject, its ids, and finding one; each subject is a folder.

May import `ablations`. Imported by `settings`, `designs`, `wandb`, `function`, `scenes`, `training`, `attention`,
`own_module`, `studies`, `words` and `cli`.
"""
