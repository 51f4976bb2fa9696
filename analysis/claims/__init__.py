"""What do sentences claim that are to be printed, and what do the runs say of each?"""
