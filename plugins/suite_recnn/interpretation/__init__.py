"""What trained networks have learnt about jets (Cheng, arXiv:1911.01872, sections 2 and 3).

A ``subject`` is a run opened for study: its network, and jets in one order with momenta, trees and labels. Every study
takes subjects and returns numbers; the verbs in ``studies/networks.py`` print and draw them.
"""
