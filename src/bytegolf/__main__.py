from bytegolf.cli import main

main()
