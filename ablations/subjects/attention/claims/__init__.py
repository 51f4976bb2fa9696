"""What can be computed of claims on channel attention, and which small trainings decide others?"""
